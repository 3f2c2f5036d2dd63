package moment

import "strings"

// Words splits a search text: what is between blanks, or between double
// quotation marks, is one word. Every word has to occur.
func Words(text string) (words []string) {
	for i, part := range strings.Split(text, `"`) {
		if i%2 == 0 {
			words = append(words, strings.Fields(part)...)
		} else if phrase := strings.TrimSpace(part); phrase != "" {
			words = append(words, phrase)
		}
	}
	return words
}

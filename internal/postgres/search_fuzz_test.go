package postgres

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"momentcast/internal/moment"
	"momentcast/internal/postgres/postgrestest"
)

// FuzzSearchGrams: the index proposes every text that the words then accept. One
// that it does not propose would be a post that no search finds.
func FuzzSearchGrams(f *testing.F) {
	for _, s := range [][2]string{{"明前龙井，今日开售", "龙井"}, {"Buy One", "one"}, {"İstanbul ß", "i̇s"}, {"a\u3000b  c", "a\u3000b"}, {"🎉🎉", "🎉"}, {"x", ""}, {"ΑΣ ς", "σ"}, {"a\tb", `"a b"`}, {"", "\""}} {
		f.Add(s[0], s[1])
	}
	conn, err := pgx.Connect(f.Context(), postgrestest.URL(f))
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = conn.Close(f.Context()) }) // the database goes with it
	f.Fuzz(func(t *testing.T, body, text string) {
		if moment.CheckText(body, false, 2000) != "" || moment.CheckText(text, false, 200) != "" || !utf8.ValidString(body+text) {
			return // is refused before it gets here
		}
		for _, word := range moment.Words(text) {
			for _, in := range []string{body, body + word, "a" + strings.ToUpper(word) + body} {
				var there, proposed bool
				if err := conn.QueryRow(t.Context(), `SELECT strpos(b, lower($2::text)) > 0, search_grams(b) @> search_word($2) FROM search_body($1, '', '', '') b`, in, word).
					Scan(&there, &proposed); err != nil {
					t.Fatalf("%q in %q: %v", word, in, err)
				}
				if there && !proposed {
					t.Errorf("%q is in %q, and the index does not propose it", word, in)
				}
			}
		}
	})
}

package moment

// Look is what became of fetching an address that somebody put into a card.
type Look struct {
	Reason    string // why it failed, in a word, as package linkcheck names it; "" = it did not
	URL       string // the last that answered, after redirects; "" = none did
	Status    int    // of the last answer; 0 = there was none
	Redirects int
}

// PageLook is what a page says of itself. The texts are somebody else's: to be
// shown as text and never as markup.
type PageLook struct {
	Look

	Title       string // fits a card
	Description string // likewise
	Image       string // absolute; not looked at
}

// ThumbLook is what is known of a picture.
type ThumbLook struct {
	Look

	Type   string // such as "image/jpeg"; "" = not known
	Width  int    // in pixels
	Height int
	Bytes  int64
	Square bool
}

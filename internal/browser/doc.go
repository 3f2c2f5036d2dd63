// Package browser holds no code of the product: its tests open the pages of the
// running program, with a simulated gateway and a real database behind it, in a
// real Chromium, and use them as people do.
//
// Nothing waits for a time: every step waits for what it should see, within a
// limit of its own. A step that fails leaves a picture of the page, its HTML and
// what the browser had to say in artifacts/. Anything on the console, a violated
// content policy or a failed request fails the test.
//
// `go test ./internal/browser -run TestEveryPage` leaves pictures of every page
// in artifacts/screens; `make screens` takes those of the documents again.
package browser

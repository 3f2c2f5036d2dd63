// Package linkcheck looks at the web addresses that people put into cards: is
// the page there, what does it call itself, is the thumbnail a picture.
//
// Whoever may write a card may name an address, and the service stands inside
// somebody's network. So the addresses are taken for hostile:
//
//   - A connection is judged by the address that is dialled, after the name was
//     resolved and before the first byte is sent. What a name meant a moment
//     ago, or means to somebody else, is never asked: a name whose answer
//     changes (DNS rebinding) gains nothing.
//   - Every redirect is a new address and is judged like the first.
//   - Only http and https, only the configured ports, no user names, no proxy,
//     no cookies, no referrer, no connection kept for later.
//   - Time, redirects, bytes on the wire, bytes after decompression, header
//     bytes, pixels and simultaneous fetches are bounded.
//   - Pages are read token by token and never built into a tree. A page of 2 MiB
//     can become a tree of 215 MB (measured; reading its tokens takes 5 MB), and
//     one nested deeply enough gets no tree at all.
//   - An error says "not a public address, or no such host" for both, so that
//     nobody learns which names exist inside.
package linkcheck

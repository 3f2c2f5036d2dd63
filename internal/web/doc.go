// Package web is the browser's view of the service: pages made on the server,
// which htmx only makes quicker.
//
// A page is one struct, one template and one row in the table of routes. The
// piece of it that htmx swaps is a block of the same template, filled from the
// same struct. Every route names the permission it needs; what is not in the
// table is not served. Changes are POSTs that work without JavaScript: they
// answer with a redirect, or with the page again and what was typed.
package web

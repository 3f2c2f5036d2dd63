// Package api is the JSON API of the service, /api/v1, with its OpenAPI
// document and an offline page of it.
//
// Three habits hold for every operation. What is not in the scope table is
// refused, so a new operation is closed until somebody says who may call it.
// An answer to a wrong request names every field that is wrong and repeats
// nothing of what was sent. And handlers return errors; one place turns them
// into problem details and logs what is ours to fix.
package api

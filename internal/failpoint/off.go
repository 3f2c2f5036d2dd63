//go:build !failpoints

// Package failpoint lets crash tests end the process at a chosen line. Without
// the build tag "failpoints" it does nothing and costs nothing.
package failpoint

// Hit marks a point at which a test may end the process.
func Hit(string) {}

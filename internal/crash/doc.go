// Package crash holds no code of the product: its tests kill, freeze and cut
// off the real program at chosen and at random moments, and compare what its
// database says with what the simulated gateway knows to be true.
//
// `make crash ROUNDS=500` runs the matrix at length, `make chaos` everything at
// once: see docs/chaos.md.
package crash

package web

import (
	"context"
	"testing"
)

func TestStreamsOfAPersonAreLimited(t *testing.T) {
	t.Parallel()
	l := newLive(func(context.Context) (int64, error) { return 1, nil })
	defer l.close()
	var leave []func()
	for n := range streamsMost {
		tick, done := l.listen("lin")
		if tick == nil {
			t.Fatalf("stream %d is refused", n+1)
		}
		leave = append(leave, done)
	}
	if tick, _ := l.listen("lin"); tick != nil {
		t.Error("one more is let in")
	}
	tick, done := l.listen("wang")
	if tick == nil {
		t.Fatal("somebody else is refused")
	}
	leave[0]()
	again, other := l.listen("lin")
	if again == nil {
		t.Error("refused after one has ended")
	}
	for _, end := range append(leave[1:], done, other) {
		end()
	}
	if len(l.ears) != 0 || len(l.of) != 0 {
		t.Errorf("left: %v, %v", l.ears, l.of)
	}
}

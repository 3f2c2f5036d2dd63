package sheet

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"momentcast/internal/moment"
)

const (
	pageRows  = 1000             // posts read at a time: what a file holds in memory
	pageWrite = 30 * time.Second // for one of those to reach the client
)

// List reads one page of posts, and whether more follow.
type List func(ctx context.Context, q moment.PostQuery) ([]moment.PostView, bool, error)

// File is a file in the making: the posts of a list, by columns.
type File struct {
	Format  Format
	Columns []Column
	Texts   Texts
	next    Next
}

// Open reads the first page of the list: what is wrong with it comes to light
// before a file has begun.
func (f File) Open(ctx context.Context, list List, q moment.PostQuery) (File, error) {
	q.Limit = pageRows
	page, more, err := list(ctx, q)
	if err != nil {
		return f, err
	}
	begun := false
	f.next = func(ctx context.Context) ([]moment.PostView, error) {
		if !begun {
			begun = true
			return page, nil
		}
		if !more {
			return nil, nil
		}
		last := &page[len(page)-1]
		q.After = &moment.PostCursor{DueAt: last.DueAt, ID: last.ID}
		var err error
		page, more, err = list(ctx, q)
		return page, err
	}
	return f, nil
}

// Name is what the file is called that was made at that time.
func (f File) Name(at time.Time) string {
	return fmt.Sprintf("momentcast-%s.%s", at.Format("20060102-1504"), f.Format)
}

// Head says of an answer that it is the file.
func (f File) Head(h http.Header, name string) {
	h.Set("Content-Type", f.Format.Type())
	h.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="%s"`, name))
	h.Set("Cache-Control", "no-store")
}

// Send streams the file. Its memory does not grow with it. After an error the
// answer has begun: cutting the connection (http.ErrAbortHandler) is all that
// tells the client that the file is not whole.
func (f File) Send(ctx context.Context, w http.ResponseWriter) error {
	rc := http.NewResponseController(w)
	told := func(int) error {
		_ = rc.SetWriteDeadline(time.Now().Add(pageWrite)) // not every writer has one
		_ = rc.Flush()                                     // the next write tells
		return ctx.Err()                                   // the client left
	}
	_ = told(0)
	return Write(ctx, w, f.Format, f.Columns, f.Texts, f.next, told)
}

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"momentcast/internal/client"
)

// ImportCmd makes posts and campaigns of tables.
type ImportCmd struct {
	ClientFlags `embed:""`

	File      importFileCmd      `cmd:"" default:"withargs" help:"Check a file of posts and say what its rows are; with --commit make posts of it."`
	Campaigns importCampaignsCmd `cmd:"" help:"The same with a file of campaigns, which become drafts."`
	Commit    importCommitCmd    `cmd:"" help:"Store the rows of a file that was checked, or go on where that stopped."`
	Show      importShowCmd      `cmd:"" help:"Show what an import's rows are and how far it has come."`
	Template  importTemplateCmd  `cmd:"" help:"Write an example file to fill in."`
}

// maxFile is the largest file that is sent; the service takes no larger one.
const maxFile = 32 << 20

// watchFlags say whether the command stays until the rows are stored.
type watchFlags struct {
	SkipWrong bool          `help:"Leave out the rows that are wrong."`
	Watch     bool          `short:"w" help:"Stay, show the progress, and go on if it is cut off."`
	Every     time.Duration `default:"1s" help:"How often --watch looks."`
}

type importFileCmd struct {
	watchFlags `embed:""`

	Path     string   `arg:"" name:"file" help:"CSV or XLSX; - is standard input."`
	Map      []string `sep:"none" placeholder:"HEADER=FIELD" help:"Read a column as this field; HEADER= leaves it out. May be given several times."`
	Zone     string   `help:"Of times that name none: an IANA zone, or account = each account's own. Default: the service's."`
	NoHeader bool     `help:"The first row is no header; the columns are A, B, …"`
	Instance int64    `short:"i" placeholder:"ID" help:"Of rows that name none."`
	Audience int64    `placeholder:"ID" xor:"who" help:"Of rows that do not say who may see them."`
	Everyone bool     `xor:"who" help:"Rows that do not say who may see them are for everyone."`
	Draft    bool     `help:"Rows may be incomplete: posts become drafts, as campaigns do in any case."`
	DryRun   bool     `xor:"do" help:"Only say what the rows are. This is the default."`
	Commit   bool     `xor:"do" help:"Store the rows that are right and new."`
}

type importCampaignsCmd struct {
	importFileCmd `embed:""`
}

// Run implements the command.
func (c *importCampaignsCmd) Run(ctx context.Context, out io.Writer, p *ImportCmd) error {
	return c.importFileCmd.run(ctx, out, p, "campaigns")
}

// Run implements the command.
func (c *importFileCmd) Run(ctx context.Context, out io.Writer, p *ImportCmd) error {
	return c.run(ctx, out, p, "")
}

// run checks a file of a kind, "" is posts, and stores its rows if asked to. It
// fails where rows are wrong that nobody said are to be left out.
func (c *importFileCmd) run(ctx context.Context, out io.Writer, p *ImportCmd, kind string) error {
	data, err := readFile(c.Path)
	if err != nil {
		return err
	}
	a, err := p.do(ctx, client.Request{Method: http.MethodPost, Path: "/imports", Query: c.query(kind), File: data, Type: "application/octet-stream"})
	if err != nil {
		return err
	}
	var i client.Import
	if err := a.Decode(&i); err != nil {
		return err
	}
	if p.JSON && !c.Commit {
		err = printJSON(out, a.Body)
	} else if !p.JSON {
		err = p.showImport(ctx, out, &i)
	}
	if err != nil {
		return err
	}
	if i.Counts.Errors > 0 && !c.SkipWrong {
		return fmt.Errorf("%d rows are wrong: mend them, or leave them out with --skip-wrong", i.Counts.Errors)
	}
	if !c.Commit {
		return nil
	}
	return p.commit(ctx, out, i.ID, c.watchFlags)
}

func (c *importFileCmd) query(kind string) url.Values {
	v := url.Values{"map": c.Map}
	if kind != "" {
		v.Set("kind", kind)
	}
	if c.Path != "-" {
		v.Set("file", filepath.Base(c.Path))
	}
	for name, id := range map[string]int64{"instance_id": c.Instance, "audience_id": c.Audience} {
		if id != 0 {
			v.Set(name, strconv.FormatInt(id, 10))
		}
	}
	for name, on := range map[string]bool{"everyone": c.Everyone, "draft": c.Draft} {
		if on {
			v.Set(name, "true")
		}
	}
	if c.NoHeader {
		v.Set("header", "false")
	}
	if c.Zone != "" {
		v.Set("zone", c.Zone)
	}
	return v
}

// readFile reads a file, or standard input, if it is not too large to send.
func readFile(path string) ([]byte, error) {
	var from io.Reader = os.Stdin
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer func() { _ = f.Close() }() // only read
		from = f
	}
	b, err := io.ReadAll(io.LimitReader(from, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(b) > maxFile {
		return nil, fmt.Errorf("%s is larger than 32 MiB; divide it", path)
	}
	return b, nil
}

// showImport writes what there is to say of the rows, then how many are what.
func (p *ImportCmd) showImport(ctx context.Context, out io.Writer, i *client.Import) error {
	page := i.Findings
	for {
		for _, f := range page.Items {
			_, err := fmt.Fprintf(out, "row %d  %s: %s: %s\n", f.Row, f.Severity, plainText(cmp.Or(f.Column, f.Field, "row"), 40), plainText(f.Message, 300))
			if err != nil {
				return err
			}
		}
		if page.NextCursor == nil {
			break
		}
		a, err := p.do(ctx, client.Request{Method: http.MethodGet, Path: fmt.Sprintf("/imports/%d/findings", i.ID), Query: url.Values{"limit": {"200"}, "cursor": {*page.NextCursor}}})
		if err != nil {
			return err
		}
		page = client.Page[client.RowFinding]{}
		if err := a.Decode(&page); err != nil {
			return err
		}
	}
	return table(out, func(row func(...any)) {
		row("import", fmt.Sprintf("%d, %s, %d rows of %s: %s", i.ID, plainText(i.File, 100), i.Rows, cmp.Or(i.Kind, "posts"), i.State))
		for _, c := range i.Columns {
			row("column", fmt.Sprintf("%s is read as %s", plainText(c.Header, 40), cmp.Or(c.Field, "nothing")))
		}
		row("new", i.Counts.New)
		row("there already", i.Counts.Exists)
		row("different", i.Counts.Differs)
		row("wrong", i.Counts.Errors)
		row("to look at", i.Counts.Warned)
		row("created", i.Counts.Created)
	})
}

// commit stores the rows of an import and, if asked to, stays until it is done.
func (p *ImportCmd) commit(ctx context.Context, out io.Writer, id int64, w watchFlags) error {
	path := fmt.Sprintf("/imports/%d", id)
	begin := client.Request{Method: http.MethodPost, Path: path + "/commit", Body: map[string]any{"skip_wrong": w.SkipWrong}}
	a, err := p.do(ctx, begin)
	if err != nil {
		return err
	}
	for told := -1; ; {
		var i client.Import
		if err := a.Decode(&i); err != nil {
			return err
		}
		if i.State == "done" || !w.Watch {
			if p.JSON {
				return printJSON(out, a.Body)
			}
			return finished(out, &i)
		}
		if i.Progress.Rows != told && !p.JSON {
			told = i.Progress.Rows
			if _, err := fmt.Fprintf(out, "%d of %d rows, %d %s created\n", told, i.Rows, i.Counts.Created, cmp.Or(i.Kind, "posts")); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return errors.New("the import goes on without you; look with: momentcast import show " + strconv.FormatInt(id, 10))
		case <-time.After(w.Every):
		}
		next := client.Request{Method: http.MethodGet, Path: path}
		if i.Progress.Stopped {
			next = begin // the replica that did it has ended
		}
		if a, err = p.do(ctx, next); err != nil {
			return err
		}
	}
}

func finished(out io.Writer, i *client.Import) (err error) {
	if i.State == "done" {
		_, err = fmt.Fprintf(out, "import %d is done: %d %s created\n", i.ID, i.Counts.Created, cmp.Or(i.Kind, "posts"))
	} else {
		_, err = fmt.Fprintf(out, "import %d goes on in the background; look with: momentcast import show %d\n", i.ID, i.ID)
	}
	return err
}

type importCommitCmd struct {
	watchFlags `embed:""`
	ID         int64 `arg:"" help:"The import's id."`
}

// Run implements the command.
func (c *importCommitCmd) Run(ctx context.Context, out io.Writer, p *ImportCmd) error {
	return p.commit(ctx, out, c.ID, c.watchFlags)
}

type importShowCmd struct {
	ID int64 `arg:"" help:"The import's id."`
}

// Run implements the command.
func (c *importShowCmd) Run(ctx context.Context, out io.Writer, p *ImportCmd) error {
	return p.call(ctx, out, client.Request{Method: http.MethodGet, Path: fmt.Sprintf("/imports/%d", c.ID)}, show(func(out io.Writer, i *client.Import) error {
		return p.showImport(ctx, out, i)
	}))
}

type importTemplateCmd struct {
	Kind     string `enum:"posts,campaigns" default:"posts" help:"What its rows become: ${enum}."`
	Format   string `enum:"csv,xlsx" default:"csv" help:"${enum}."`
	Language string `enum:"zh-CN,en" default:"zh-CN" help:"Of the header: ${enum}."`
	Output   string `short:"o" placeholder:"FILE" help:"Where to write it. Default: standard output."`
}

// Run implements the command.
func (c *importTemplateCmd) Run(ctx context.Context, out io.Writer, p *ImportCmd) error {
	a, err := p.do(ctx, client.Request{Method: http.MethodGet, Path: "/imports/template", Query: url.Values{"kind": {c.Kind}, "format": {c.Format}, "language": {c.Language}}})
	if err != nil {
		return err
	}
	if c.Output == "" {
		_, err = out.Write(a.Body)
		return err
	}
	return os.WriteFile(c.Output, a.Body, 0o644) //nolint:gosec // an example for people to fill in
}

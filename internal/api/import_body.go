package api

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"slices"
	"time"

	"momentcast/internal/moment"
)

// importBody is an import as it is shown.
type importBody struct {
	ID       int64              `json:"id"`
	Kind     string             `json:"kind" enum:"posts,campaigns" doc:"What its rows become."`
	File     string             `json:"file" example:"december.csv"`
	Format   string             `json:"format" enum:"csv,xlsx"`
	Encoding string             `json:"encoding" doc:"UTF-8, UTF-16 or GBK; empty for xlsx."`
	Columns  []importColumnBody `json:"columns"`
	Zone     string             `json:"zone" doc:"Of times that name none; empty = each account's own, of campaigns the service's."`
	State    string             `json:"state" enum:"checking,checked,committing,done" doc:"checked = nothing is made of it yet."`
	Rows     int                `json:"rows"`
	Counts   importCountsBody   `json:"counts"`
	Progress struct {
		Rows    int  `json:"rows" doc:"Dealt with by the commit so far."`
		Stopped bool `json:"stopped" doc:"The commit was cut short; commit again to go on."`
	} `json:"progress"`
	Findings  *pageBody[rowFindingBody] `json:"findings,omitempty" doc:"The first; more with next_cursor from /imports/{id}/findings. Lists of imports leave it out."`
	Author    string                    `json:"author"`
	CreatedAt time.Time                 `json:"created_at"`
	ExpiresAt time.Time                 `json:"expires_at" doc:"Then its rows are forgotten; what was made of them stays."`
}

type importColumnBody struct {
	Header string `json:"header"`
	Field  string `json:"field" doc:"What it is read as; empty = it is left out." example:"title"`
}

type importCountsBody struct {
	New     int `json:"new" doc:"Posts or campaigns that are not there yet."`
	Exists  int `json:"exists" doc:"There already, and the same."`
	Differs int `json:"differs" doc:"There already under the same key with another content; left as they are."`
	Errors  int `json:"errors" doc:"Rows that nothing can be made of."`
	Warned  int `json:"warned" doc:"Of the new ones, those that somebody should look at."`
	Created int `json:"created" doc:"By the commit, so far."`
}

// rowFindingBody is what there is to say of a row.
type rowFindingBody struct {
	Row      int    `json:"row" doc:"As spreadsheets count: the first of the file is 1." example:"17"`
	Column   string `json:"column" doc:"As the file heads it; empty = the row as a whole."`
	Field    string `json:"field" example:"due"`
	Severity string `json:"severity" enum:"error,differs,warn"`
	Message  string `json:"message"`
}

func showImport(i *moment.Import) importBody {
	c := i.Counts
	b := importBody{ID: i.ID, Kind: string(i.Kind), File: i.File, Format: i.Format, Encoding: i.Encoding, Zone: i.Options.Zone, State: string(i.State), Rows: i.Rows,
		Columns: make([]importColumnBody, len(i.Header)), Counts: importCountsBody{c.New, c.Exists, c.Differs, c.Wrong, c.Warned, c.Created},
		Author: i.Author, CreatedAt: i.CreatedAt.UTC(), ExpiresAt: i.ExpiresAt.UTC()}
	for n, h := range i.Header {
		b.Columns[n] = importColumnBody{h, i.Options.Columns[n]}
	}
	b.Progress.Rows, b.Progress.Stopped = i.Done(), i.Stopped()
	return b
}

// fileOf is the file that a body is, or has as its part "file".
func fileOf(contentType string, body []byte) (f moment.ImportFile, err error) {
	mediaType, params, err := mime.ParseMediaType(contentType)
	if err != nil || mediaType != "multipart/form-data" {
		return moment.ImportFile{Name: "import", Data: body}, nil //nolint:nilerr // takeBody has refused types that cannot be read
	}
	parts := multipart.NewReader(bytes.NewReader(body), params["boundary"])
	for {
		part, err := parts.NextPart()
		if err != nil {
			return f, invalid("file", "is required: a part of the form that is the file")
		}
		if part.FormName() != "file" {
			continue
		}
		data, err := io.ReadAll(part) // of the body, which is bounded
		if err != nil {
			return f, invalid("file", "breaks off")
		}
		return moment.ImportFile{Name: part.FileName(), Data: data}, nil
	}
}

// inQuery tells what is wrong with an import's parameters where they stand.
func inQuery(err error) error {
	e, ok := errors.AsType[*moment.Error](err)
	if !ok {
		return err
	}
	same := *e
	same.Fields = slices.Clone(e.Fields)
	for i, f := range same.Fields {
		if f.Path == "audience" {
			f.Path = "audience_id"
		}
		same.Fields[i].Path = "query." + f.Path
	}
	return &same
}

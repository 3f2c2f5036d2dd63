package web

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"momentcast/internal/moment"
)

// Importer reads files, checks them and makes posts or campaigns of them.
type Importer interface {
	// Upload keeps a file and checks it; nothing is made of it yet.
	Upload(ctx context.Context, f moment.ImportFile, o moment.ImportOptions, by moment.Origin) (id int64, err error)
	// Check reads the rows as o says.
	Check(ctx context.Context, id, ifVersion int64, o moment.ImportOptions, by moment.Origin) error
	// Commit stores what they become in the background, or goes on with it.
	Commit(ctx context.Context, id int64, skipWrong bool, by moment.Origin) error
	// Fields are what a column can be read as.
	Fields(kind moment.ImportKind) []string
	// Template is an example file of a kind, as "csv" or "xlsx".
	Template(kind moment.ImportKind, format string, chinese bool) ([]byte, error)
}

// ImportStore is the part of the database that keeps imports.
type ImportStore interface {
	Import(ctx context.Context, id int64) (*moment.Import, error)
	Imports(ctx context.Context, before int64, limit int) ([]moment.Import, error)
	ImportFindings(ctx context.Context, id int64, after, limit int) ([]moment.ImportFinding, error)
	DeleteImport(ctx context.Context, id int64) error
}

// importRoutes are the pages of imports.
func (s *Web) importRoutes() []route {
	const write = moment.PermWrite
	return []route{
		{"GET /imports", write, s.openImports},
		{"POST /imports", write, s.upload},
		{"GET /imports/template", write, s.importTemplate},
		{"GET /imports/{id}", write, s.openImport},
		{"POST /imports/{id}", write, s.recheck},
		{"POST /imports/{id}/commit", write, s.commitImport},
		{"POST /imports/{id}/delete", write, s.deleteImport},
	}
}

// importsMost is how many imports the page lists; older ones expire.
const importsMost = 100

// importsPage takes a file and lists the last ones.
type importsPage struct {
	Frame
	Kinds   []moment.ImportKind
	Kind    moment.ImportKind // that is chosen
	Imports []moment.Import
}

func (s *Web) openImports(w http.ResponseWriter, r *http.Request) error {
	return s.showImports(w, r, moment.ImportKind(r.URL.Query().Get("kind")), nil)
}

func (s *Web) showImports(w http.ResponseWriter, r *http.Request, kind moment.ImportKind, problem *problem) error {
	list, err := s.store.Imports(r.Context(), 0, importsMost)
	if err != nil {
		return err
	}
	p := &importsPage{Kinds: moment.ImportKinds, Kind: kind, Imports: list}
	if !slices.Contains(p.Kinds, kind) {
		p.Kind = moment.ImportPosts
	}
	p.Problem = problem
	return s.page(w, r, view{Status: statusFor(problem), Page: "imports", Block: "imports", Data: p})
}

// upload takes a file. It is read as a stream into one slice: never into a
// temporary file, and never more than is allowed.
func (s *Web) upload(w http.ResponseWriter, r *http.Request) error {
	k, err := s.known.get(r.Context())
	if err != nil {
		return err
	}
	f, err := uploaded(w, r)
	var id int64
	if err == nil {
		id, err = s.imports.Upload(r.Context(), f, moment.ImportOptions{Zone: k.settings.TimeZone}, origin(r))
	}
	if refused(err) {
		return s.showImports(w, r, f.Kind, explain(s.texts[langOf(r)], err))
	}
	if err != nil {
		return err
	}
	return seeOther(w, r, "/imports/"+strconv.FormatInt(id, 10))
}

// uploaded reads the form: the kind stands before the file.
func uploaded(w http.ResponseWriter, r *http.Request) (f moment.ImportFile, err error) {
	none := moment.InvalidFields([]moment.Field{{Path: "file", Message: "is required"}})
	r.Body = http.MaxBytesReader(w, r.Body, moment.MaxImportBytes+maxForm)
	parts, err := r.MultipartReader()
	if err != nil {
		return f, none
	}
	for {
		part, err := parts.NextPart()
		if err != nil {
			return f, none
		}
		switch part.FormName() {
		case "kind":
			b, _ := io.ReadAll(io.LimitReader(part, 20)) // what is cut off is no kind
			f.Kind = moment.ImportKind(b)
			continue
		case "file":
		default:
			continue
		}
		data, err := io.ReadAll(part)
		if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) || len(data) > moment.MaxImportBytes {
			return f, moment.Errorf(moment.Invalid, "The file is larger than 32 MiB.")
		}
		if err != nil || part.FileName() == "" {
			return f, none
		}
		f.Name, f.Data = part.FileName(), data
		return f, nil
	}
}

// tableImportPage shows what a file is, what its rows can become, and how far that is.
type tableImportPage struct {
	Frame
	Import    *moment.Import
	Columns   []importColumn
	Fields    []string
	Zone      string // as typed
	Presets   []presetOption
	Instances []option
	Findings  []moment.ImportFinding
	Next, Top string
	First     bool
}

// importColumn is a column of the file with what it is read as.
type importColumn struct {
	Index  int
	Header string
	Field  string
}

// Says is a finding in the visitor's language.
func (p *tableImportPage) Says(f moment.ImportFinding) string {
	if f.Chinese != "" && p.Lang == zhCN {
		return f.Chinese
	}
	return p.texts.saidOr(f.Message)
}

// Field is what a column is read as, in words; of a further text, with its
// number.
func (p *tableImportPage) Field(name string) string {
	if text, ok := p.texts["import.field."+name]; ok {
		return text
	}
	if i := strings.LastIndexByte(name, '_'); i > 0 {
		if text, ok := p.texts["import.field."+name[:i]]; ok {
			return text + " " + name[i+1:]
		}
	}
	return name
}

// Say is the text of a key that is another for each kind.
func (p *tableImportPage) Say(key string, args ...any) string {
	return p.texts.get("import."+key+"."+string(p.Import.Kind), args...)
}

const findingsPage = 100

func (s *Web) openImport(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	return s.showImport(w, r, id, nil)
}

func (s *Web) showImport(w http.ResponseWriter, r *http.Request, id int64, problem *problem) (err error) {
	after := int(number(r.URL.Query().Get("after")))
	p := &tableImportPage{First: after == 0}
	if p.Import, err = s.store.Import(r.Context(), id); err != nil {
		return err
	}
	p.Problem, p.Fields = problem, s.imports.Fields(p.Import.Kind)
	o := p.Import.Options
	p.Zone = o.Zone
	for i, h := range p.Import.Header {
		p.Columns = append(p.Columns, importColumn{Index: i, Header: h, Field: o.Columns[i]})
	}
	if p.Findings, err = s.store.ImportFindings(r.Context(), id, after, findingsPage+1); err != nil {
		return err
	}
	at := "/imports/" + strconv.FormatInt(id, 10)
	p.Top = at
	if len(p.Findings) > findingsPage {
		p.Findings, p.Next = p.Findings[:findingsPage], at+"?after="+strconv.Itoa(after+findingsPage)
	}
	presets, _, err := s.store.Audiences(r.Context(), moment.AudienceQuery{Limit: presetsMost})
	if err != nil {
		return err
	}
	for i := range presets {
		p.Presets = append(p.Presets, presetOption{presets[i].ID, presets[i].Name, presets[i].ID == o.AudienceID})
	}
	if p.Instances, err = s.instanceOptions(r.Context(), o.Instance); err != nil {
		return err
	}
	return s.page(w, r, view{Status: statusFor(problem), Page: "import", Block: "import", Data: p})
}

// recheck reads the file otherwise.
func (s *Web) recheck(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	if err := parseForm(w, r); err != nil {
		return err
	}
	f := r.PostForm
	o := moment.ImportOptions{Columns: slices.Clone(f["column"]), Zone: clean(f.Get("zone")), Instance: number(f.Get("instance")), Draft: f.Get("draft") != ""}
	switch who := f.Get("who"); who {
	case string(moment.Everyone):
		o.Visibility = moment.Everyone
	default:
		o.AudienceID = number(who)
	}
	err = s.imports.Check(r.Context(), id, number(f.Get("version")), o, origin(r))
	if refused(err) {
		return s.showImport(w, r, id, explain(s.texts[langOf(r)], err))
	}
	if err != nil {
		return err
	}
	return seeOther(w, r, "/imports/"+strconv.FormatInt(id, 10))
}

func (s *Web) commitImport(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	if err := parseForm(w, r); err != nil {
		return err
	}
	err = s.imports.Commit(r.Context(), id, r.PostForm.Get("skip") != "", origin(r))
	if refused(err) {
		return s.showImport(w, r, id, explain(s.texts[langOf(r)], err))
	}
	if err != nil {
		return err
	}
	return seeOther(w, r, "/imports/"+strconv.FormatInt(id, 10))
}

func (s *Web) deleteImport(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	if _, err := s.store.Import(r.Context(), id); err != nil {
		return err
	}
	if err := s.store.DeleteImport(r.Context(), id); err != nil {
		return err
	}
	say(w, r, "done.import.deleted")
	return seeOther(w, r, "/imports")
}

func (s *Web) importTemplate(w http.ResponseWriter, r *http.Request) error {
	format, of := r.URL.Query().Get("format"), cmp.Or(moment.ImportKind(r.URL.Query().Get("kind")), moment.ImportPosts)
	b, err := s.imports.Template(of, format, langOf(r) == zhCN)
	if err != nil {
		return err
	}
	kind := "text/csv; charset=utf-8"
	if format == "xlsx" {
		kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Disposition", `attachment; filename="momentcast-`+string(of)+`.`+format+`"`)
	_, err = bytes.NewReader(b).WriteTo(w)
	return err
}

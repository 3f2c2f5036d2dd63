package api

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"momentcast/internal/moment"
)

// Importer reads files, checks them and makes posts or campaigns of them.
type Importer interface {
	// Upload keeps a file and checks it; nothing is made of it yet.
	Upload(ctx context.Context, f moment.ImportFile, o moment.ImportOptions, by moment.Origin) (id int64, err error)
	// Commit stores what its rows become in the background, or goes on with it.
	Commit(ctx context.Context, id int64, skipWrong bool, by moment.Origin) error
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

const xlsxType = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

func (a *API) registerImports() {
	op := func(id, method, path, summary, description string, errs ...int) huma.Operation {
		return huma.Operation{OperationID: id, Method: method, Path: path, Summary: summary, Description: description, Tags: []string{"imports"}, Errors: errs}
	}
	create := op("create-import", http.MethodPost, "/imports", "Check a file of posts or campaigns",
		"A dry run: the answer says what the rows are, and nothing is made of them before the import is committed. Campaigns become drafts, which somebody "+
			"activates. The body is the file, CSV (UTF-8, UTF-16 or GBK) "+
			"or XLSX, as it is or as the part \"file\" of a form; the kind is found out from its bytes. At most 32 MiB, 100 000 rows and 100 columns.",
		http.StatusUnsupportedMediaType, http.StatusRequestEntityTooLarge)
	create.DefaultStatus, create.MaxBodyBytes, create.RequestBody = http.StatusCreated, moment.MaxImportBytes+maxBody, fileBody()
	register(a, create, a.createImport)
	create.RequestBody.Content["multipart/form-data"] = formType() // huma would read the body by a schema that is there before
	register(a, op("list-imports", http.MethodGet, "/imports", "List imports", "Newest first. They are kept for a week."), a.listImports)
	register(a, op("get-import", http.MethodGet, "/imports/{id}", "Show an import", "What its rows are, the first findings, and how far the commit has come."), a.getImport)
	register(a, op("list-findings", http.MethodGet, "/imports/{id}/findings", "List what is to say of an import's rows",
		"In the order of the rows. At most 5000 are kept; counts has all."), a.listFindings)
	register(a, op("commit-import", http.MethodPost, "/imports/{id}/commit", "Make posts or campaigns of an import",
		"Of the rows that are right and new. It goes on in the background (202); once it is done the answer is a 200, however often it is asked for. "+
			"One that stopped half way goes on where it was.", http.StatusConflict, http.StatusUnsupportedMediaType), a.commitImport)
	commit := a.huma.OpenAPI().Paths["/imports/{id}/commit"].Post.Responses
	commit["202"] = &huma.Response{Description: http.StatusText(http.StatusAccepted), Headers: commit["200"].Headers, Content: commit["200"].Content}
	register(a, op("delete-import", http.MethodDelete, "/imports/{id}", "Forget an import", "What was made of it stays.", http.StatusConflict), a.deleteImport)
	template := op("get-import-template", http.MethodGet, "/imports/template", "Download an example file", "With a header and a row to show how cells are written.", http.StatusNotFound)
	template.Responses = map[string]*huma.Response{"200": {Description: "The file.", Content: map[string]*huma.MediaType{"text/csv": {}, xlsxType: {}}}}
	register(a, template, a.importTemplate)
}

// binary is the schema of a file.
func binary() *huma.Schema { return &huma.Schema{Type: huma.TypeString, Format: "binary"} }

// fileBody documents a body that is a file.
func fileBody() *huma.RequestBody {
	return &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
		"text/csv": {Schema: binary()}, xlsxType: {Schema: binary()}, "application/octet-stream": {Schema: binary()},
	}}
}

// formType documents a form that has the file.
func formType() *huma.MediaType {
	return &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeObject, Required: []string{"file"}, Properties: map[string]*huma.Schema{"file": binary()}}}
}

type createImportInput struct {
	ContentType string   `header:"Content-Type" hidden:"true"`
	File        string   `query:"file" maxLength:"200" doc:"The file's name, where a form does not give it." example:"december.csv"`
	Kind        string   `query:"kind" enum:"posts,campaigns" default:"posts" doc:"What its rows become."`
	Map         []string `query:"map,explode" maxItems:"100" doc:"header=field: how a column is read; header= leaves it out. Other columns are read as they were last, or as their headers say." example:"[\"Heading=title\"]"`
	Header      bool     `query:"header" default:"true" doc:"false = the first row is no header; the columns are A, B, …"`
	Zone        string   `query:"zone" doc:"Of times that name none: an IANA zone, or account = each account's own, of campaigns the service's. Not given = the service's." example:"Asia/Shanghai"`
	Instance    int64    `query:"instance_id" doc:"Of rows that name none. Not given = they are wrong."`
	Audience    int64    `query:"audience_id" doc:"Of rows that do not say who may see them. Not given = they are wrong."`
	Everyone    bool     `query:"everyone" doc:"Rows that do not say who may see them are for everyone."`
	Draft       bool     `query:"draft" doc:"Rows may be incomplete: posts become drafts, as campaigns do in any case."`
}

func (in *createImportInput) mapping() (map[string]string, error) {
	out := make(map[string]string, len(in.Map))
	for i, m := range in.Map {
		at := strings.LastIndexByte(m, '=')
		if at < 1 {
			return nil, invalid(fmt.Sprintf("query.map[%d]", i), "is written header=field")
		}
		out[m[:at]] = m[at+1:]
	}
	return out, nil
}

func (a *API) createImport(ctx context.Context, in *createImportInput) (*importOutput, error) {
	body, _ := ctx.Value(keyBody).([]byte)
	f, err := fileOf(in.ContentType, body)
	if err != nil {
		return nil, err
	}
	if in.File != "" {
		f.Name = in.File
	}
	f.Headless, f.Kind = !in.Header, moment.ImportKind(in.Kind)
	if f.Map, err = in.mapping(); err != nil {
		return nil, err
	}
	o := moment.ImportOptions{Instance: in.Instance, AudienceID: in.Audience, Draft: in.Draft}
	if in.Everyone {
		if in.Audience != 0 {
			return nil, invalid("query.everyone", "stands beside audience_id; give one of them")
		}
		o.Visibility = moment.Everyone
	}
	switch in.Zone {
	case "account":
	case "":
		settings, err := a.store.Settings(ctx)
		if err != nil {
			return nil, err
		}
		o.Zone = settings.TimeZone
	default:
		o.Zone = in.Zone
	}
	id, err := a.imports.Upload(ctx, f, o, origin(ctx))
	if err != nil {
		return nil, inQuery(err)
	}
	out, err := a.showImport(ctx, id)
	if err == nil {
		out.Status, out.Location = http.StatusCreated, fmt.Sprintf("%s/imports/%d", prefix, id)
	}
	return out, err
}

type importOutput struct {
	Status   int
	Location string `header:"Location"`
	Body     importBody
}

func (a *API) showImport(ctx context.Context, id int64) (*importOutput, error) {
	i, err := a.store.Import(ctx, id)
	if err != nil {
		return nil, err
	}
	out := &importOutput{Status: http.StatusOK, Body: showImport(i)}
	first, err := a.findings(ctx, &listFindingsInput{ImportInput: ImportInput{id}, PageInput: PageInput{Limit: 50}})
	out.Body.Findings = &first
	return out, err
}

// ImportInput names an import.
type ImportInput struct {
	ID int64 `path:"id" doc:"The import's id." example:"12"`
}

func (a *API) getImport(ctx context.Context, in *ImportInput) (*importOutput, error) {
	return a.showImport(ctx, in.ID)
}

type listImportsOutput struct {
	Body pageBody[importBody]
}

func (a *API) listImports(ctx context.Context, in *PageInput) (*listImportsOutput, error) {
	p, err := in.place("imports")
	if err != nil {
		return nil, err
	}
	var before int64
	if p != nil {
		before = p.ID
	}
	list, err := a.store.Imports(ctx, before, in.Limit+1)
	if err != nil {
		return nil, err
	}
	out := &listImportsOutput{pageBody[importBody]{Items: []importBody{}}}
	for i := range list[:min(len(list), in.Limit)] {
		out.Body.Items = append(out.Body.Items, showImport(&list[i]))
	}
	if len(list) > in.Limit {
		out.Body.NextCursor = place{ID: list[in.Limit-1].ID}.cursor("imports")
	}
	return out, nil
}

type listFindingsInput struct {
	ImportInput
	PageInput
}

type listFindingsOutput struct {
	Body pageBody[rowFindingBody]
}

func (a *API) listFindings(ctx context.Context, in *listFindingsInput) (*listFindingsOutput, error) {
	if _, err := a.store.Import(ctx, in.ID); err != nil {
		return nil, err
	}
	body, err := a.findings(ctx, in)
	return &listFindingsOutput{body}, err
}

func (a *API) findings(ctx context.Context, in *listFindingsInput) (page pageBody[rowFindingBody], err error) {
	name := fmt.Sprintf("findings of import %d", in.ID)
	page.Items = []rowFindingBody{}
	p, err := in.place(name)
	if err != nil {
		return page, err
	}
	after := 0
	if p != nil {
		after = int(p.ID)
	}
	list, err := a.store.ImportFindings(ctx, in.ID, after, in.Limit+1)
	if err != nil {
		return page, err
	}
	for _, f := range list[:min(len(list), in.Limit)] {
		page.Items = append(page.Items, rowFindingBody{f.Row, f.Column, f.Field, f.Severity, f.Message})
	}
	if len(list) > in.Limit {
		page.NextCursor = place{ID: int64(after + in.Limit)}.cursor(name)
	}
	return page, nil
}

type commitImportInput struct {
	ImportInput
	Body *commitImportBody
}

type commitImportBody struct {
	SkipWrong bool `json:"skip_wrong,omitempty" doc:"Leave out the rows that are wrong. Without it an import with wrong rows is a 409."`
}

func (a *API) commitImport(ctx context.Context, in *commitImportInput) (*importOutput, error) {
	if err := a.imports.Commit(ctx, in.ID, in.Body != nil && in.Body.SkipWrong, origin(ctx)); err != nil {
		return nil, err
	}
	out, err := a.showImport(ctx, in.ID)
	if err == nil && out.Body.State != string(moment.ImportDone) {
		out.Status, out.Location = http.StatusAccepted, fmt.Sprintf("%s/imports/%d", prefix, in.ID)
	}
	return out, err
}

func (a *API) deleteImport(ctx context.Context, in *ImportInput) (*struct{}, error) {
	if _, err := a.store.Import(ctx, in.ID); err != nil {
		return nil, err
	}
	return nil, a.store.DeleteImport(ctx, in.ID)
}

type importTemplateInput struct {
	Kind     string `query:"kind" enum:"posts,campaigns" default:"posts" doc:"What its rows become."`
	Format   string `query:"format" enum:"csv,xlsx" default:"csv"`
	Language string `query:"language" enum:"zh-CN,en" default:"zh-CN" doc:"Of the header."`
}

type importTemplateOutput struct {
	ContentType string `header:"Content-Type"`
	Disposition string `header:"Content-Disposition"`
	Body        []byte
}

func (a *API) importTemplate(_ context.Context, in *importTemplateInput) (*importTemplateOutput, error) {
	b, err := a.imports.Template(moment.ImportKind(in.Kind), in.Format, in.Language == "zh-CN")
	kind := "text/csv; charset=utf-8"
	if in.Format == "xlsx" {
		kind = xlsxType
	}
	return &importTemplateOutput{kind, `attachment; filename="momentcast-` + in.Kind + `.` + in.Format + `"`, b}, err
}

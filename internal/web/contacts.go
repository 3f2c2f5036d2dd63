package web

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"momentcast/internal/moment"
)

// AddressBooks reads the labels and contacts of instances and keeps them.
type AddressBooks interface {
	// Labels returns the instance's labels, at most ten minutes old; with an error, those known before.
	Labels(ctx context.Context, instance int64, wID string) (moment.AddressBook, error)
	// Open returns what is known of the contacts and starts reading them where that is needed.
	Open(ctx context.Context, instance int64, wID string) (moment.AddressBook, error)
	// Refresh reads the contacts anew.
	Refresh(ctx context.Context, instance int64, wID string) (moment.AddressBook, error)
}

// ContactStore is the part of the database that keeps contacts and audiences.
type ContactStore interface {
	Contacts(ctx context.Context, q moment.ContactQuery) ([]moment.Contact, error)
	NamesOf(ctx context.Context, instances []int64, v moment.Visibility) ([]moment.Names, error)
	Audience(ctx context.Context, id int64) (*moment.AudienceView, error)
	Audiences(ctx context.Context, q moment.AudienceQuery) (list []moment.AudienceView, more bool, err error)
}

// contactsMost is how many contacts a page shows; a search finds the others.
const contactsMost = 100

// contactsPage shows an instance's labels and contacts. The picker of a form
// shows its block.
type contactsPage struct {
	Frame
	Instances []option
	Instance  *moment.InstanceView // nil = there is none
	Book      moment.AddressBook
	LoggedOn  bool // so that the gateway can be asked
	Find      string
	Label     string
	Contacts  []moment.Contact
	Names     map[string]string // of the labels
	More      bool
	Trouble   string // why the gateway did not tell; "" = it did
}

// Stale reports whether what is shown is worth a word about its age.
func (p *contactsPage) Stale() bool { return p.Book.Now.Sub(p.Book.ReadAt) > time.Hour }

func (s *Web) contacts(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	p := &contactsPage{Find: clean(q.Get("find")), Label: clean(q.Get("label"))}
	id := number(q.Get("book"))
	var err error
	if p.Instances, err = s.instanceOptions(r.Context(), id); err != nil {
		return err
	}
	if id == 0 && len(p.Instances) > 0 {
		id, p.Instances[0].Selected = p.Instances[0].Value, true
	}
	if id != 0 {
		if err := s.openBook(r, p, id); err != nil {
			return err
		}
	}
	return s.page(w, r, view{Page: "contacts", Block: "book", Data: p})
}

// openBook fills the page with what is known of the instance's labels and
// contacts. That the gateway does not tell is no reason to hide them.
func (s *Web) openBook(r *http.Request, p *contactsPage, id int64) (err error) {
	if p.Instance, err = s.store.Instance(r.Context(), id); err != nil {
		return err
	}
	c, wID := s.texts[langOf(r)], loginOf(p.Instance)
	p.LoggedOn = wID != ""
	labels, err := s.books.Labels(r.Context(), id, wID)
	if moment.KindOf(err) == moment.Refused {
		p.Trouble, err = explain(c, err).Why, nil
	}
	if err != nil {
		return err
	}
	p.Book, err = s.books.Open(r.Context(), id, wID)
	if moment.KindOf(err) == moment.Limited {
		p.Trouble, err = explain(c, err).Why, nil
	}
	if err != nil {
		return err
	}
	if p.Book.Problem != "" && p.Trouble == "" {
		p.Trouble = c.saidOr(p.Book.Problem)
	}
	p.Book.Labels, p.Book.LabelsAt = labels.Labels, labels.LabelsAt
	p.Names = make(map[string]string)
	for _, l := range p.Book.Labels {
		p.Names[l.ID] = l.Name
	}
	p.Contacts, err = s.store.Contacts(r.Context(), moment.ContactQuery{InstanceID: id, Text: p.Find, Label: p.Label, Limit: contactsMost + 1})
	if len(p.Contacts) > contactsMost {
		p.Contacts, p.More = p.Contacts[:contactsMost], true
	}
	return err
}

// loginOf is the instance's login session; "" while it is not logged in.
func loginOf(v *moment.InstanceView) string {
	if !v.Online {
		return ""
	}
	return v.WID
}

// refreshContacts reads the contacts anew, because somebody asks.
func (s *Web) refreshContacts(w http.ResponseWriter, r *http.Request) error {
	if err := parseForm(w, r); err != nil {
		return err
	}
	id := number(r.Form.Get("book"))
	v, err := s.store.Instance(r.Context(), id)
	if err != nil {
		return err
	}
	if loginOf(v) == "" {
		return moment.Errorf(moment.Conflict, "The instance is not logged in; try again when it is.")
	}
	if _, err := s.books.Refresh(r.Context(), id, v.WID); err != nil {
		return err
	}
	at := url.Values{"book": {strconv.FormatInt(id, 10)}}
	for _, name := range []string{"find", "label"} {
		if v := clean(r.Form.Get(name)); v != "" {
			at.Set(name, v)
		}
	}
	return seeOther(w, r, "/contacts?"+at.Encode())
}

// audienceRoutes are the pages of audiences and address books.
func (s *Web) audienceRoutes() []route {
	return []route{
		{"GET /audiences", moment.PermView, s.audiences},
		{"GET /audiences/new", moment.PermWrite, s.newAudience},
		{"POST /audiences", moment.PermWrite, s.saveAudience},
		{"GET /audiences/{id}", moment.PermView, s.audiencePage},
		{"GET /audiences/{id}/edit", moment.PermWrite, s.editAudience},
		{"POST /audiences/{id}", moment.PermWrite, s.saveAudience},
		{"GET /audiences/{id}/delete", moment.PermWrite, s.askDeleteAudience},
		{"POST /audiences/{id}/delete", moment.PermWrite, s.deleteAudience},
		{"POST /visibility/preview", moment.PermWrite, s.previewVisibility},
		{"GET /contacts", moment.PermView, s.contacts},
		{"POST /contacts/refresh", moment.PermWrite, s.refreshContacts},
	}
}

package moment

import "time"

// AddressBook is what was read of an instance's labels and contacts. The
// contacts themselves are asked for apart: there may be thousands.
type AddressBook struct {
	InstanceID int64
	Labels     []Label
	LabelsAt   time.Time // zero = never read
	LabelsWID  string    // the login they were read with

	WID       string    // the login of the last reading of contacts
	Reading   bool      // one is under way, here or on another replica
	Fetched   int       // contacts asked for by the last reading
	Total     int       // that there are; 0 while it is not known yet
	StartedAt time.Time // of the last reading; zero = there was none
	ReadAt    time.Time // end of the last one that came to its end; zero = none
	Problem   string    // why the last one ended early; "" = it did not
	Contacts  int       // that are known

	Now time.Time // the database's clock, to tell ages by
}

// ContactsRead is one step of a reading.
type ContactsRead struct {
	InstanceID int64
	Reading    int64 // as BeginReading named it
	Fetched    int
	Total      int
	Contacts   []Contact
	Lease      time.Duration // until the next step
}

// ContactQuery selects contacts of an instance, by name. Zero fields select all.
type ContactQuery struct {
	InstanceID int64
	Text       string // part of nickname, remark, alias or wxid
	Label      string // label id
	Limit      int    // 0 = none
}

// Called is what people call the contact.
func (c Contact) Called() string {
	switch {
	case c.Remark != "":
		return c.Remark
	case c.Nickname != "":
		return c.Nickname
	}
	return c.WxID
}

// Names is what one instance's address book says of a visibility's labels and
// users. Ids of labels are each account's own: 3 may be customers on one and
// colleagues on the next.
type Names struct {
	InstanceRef
	Name       string            // of the instance
	LabelsRead bool              // so that a label that is missing does not exist there
	UsersRead  bool              // likewise
	Labels     map[string]string // id → name
	Users      map[string]string // wxid → what people call them
}

// Missing are the labels and users of v that do not exist on the instance, as
// far as that is known.
func (n *Names) Missing(v Visibility) (labels, users []string) {
	if n.LabelsRead {
		for _, id := range v.Labels {
			if _, ok := n.Labels[id]; !ok {
				labels = append(labels, id)
			}
		}
	}
	if n.UsersRead {
		for _, id := range v.Users {
			if _, ok := n.Users[id]; !ok {
				users = append(users, id)
			}
		}
	}
	return labels, users
}

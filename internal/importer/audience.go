package importer

import (
	"slices"
	"strings"

	"momentcast/internal/moment"
)

// modes are what people write for who may see it.
var modes = map[string]moment.VisibilityMode{
	"everyone": moment.Everyone, "all": moment.Everyone, "public": moment.Everyone, "所有人": moment.Everyone, "公开": moment.Everyone, "全部": moment.Everyone, "所有好友": moment.Everyone,
	"allow": moment.Allow, "only": moment.Allow, "部分可见": moment.Allow, "仅": moment.Allow, "可见": moment.Allow, "谁可以看": moment.Allow,
	"deny": moment.Deny, "except": moment.Deny, "不给谁看": moment.Deny, "不可见": moment.Deny, "除外": moment.Deny, "屏蔽": moment.Deny,
}

// audience reads who may see what goes out from the accounts; none = they are
// wrong already. A row that names nobody is never for everyone, unless that was
// chosen for such rows. preset is not nil where the audience is one that has a
// name.
func (r *rowReader) audience(accounts []int64) (who moment.Visibility, preset *moment.Audience) {
	name, mode := r.cell("audience"), r.cell("visibility")
	users, labels := split(r.cell("users"), " ,;|，；、\n\t"), r.cell("labels")
	switch {
	case name != "":
		a := r.audiences[strings.ToLower(name)]
		if a == nil {
			r.wrong("audience", "is not the name of an audience; make it first, or correct the name")
			return who, nil
		}
		if mode != "" || len(users) > 0 || labels != "" {
			r.wrong("audience", "stands beside a visibility of the row's own; leave one of them empty")
		}
		return a.Visibility, a
	case mode != "":
		m, ok := modes[fold(mode)]
		if !ok {
			r.wrong("visibility", "must be everyone, allow or deny")
			return who, nil
		}
		return moment.Visibility{Mode: m, Users: users, Labels: r.labelIDs(accounts, labels)}, nil
	case len(users) > 0 || labels != "":
		r.wrong("visibility", "does not say whether the labels and contacts are to see it or not; write allow or deny")
	case r.preset != nil:
		return r.preset.Visibility, r.preset
	case r.Visibility == moment.Everyone:
		who.Mode = moment.Everyone
	}
	return who, nil
}

// labelIDs reads labels that are written by number, or by name as far as the
// address book knows it: another account has another number for the same name.
func (r *rowReader) labelIDs(accounts []int64, cell string) (ids []string) {
	add := func(id string) {
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	for _, part := range split(cell, ",;|，；、\n\t") {
		if id, problem := r.label(accounts, part); problem == "" {
			add(id)
			continue
		}
		for _, word := range strings.Fields(part) { // spaces part labels, unless one has a space in its name
			id, problem := r.label(accounts, word)
			if problem != "" && !r.said("labels") {
				r.wrong("labels", problem)
			}
			add(id)
		}
	}
	return ids
}

// label finds the number that a label has on the accounts. Where they are wrong
// already, so is the row, and nothing is said of its labels.
func (r *rowReader) label(accounts []int64, name string) (id, problem string) {
	if strings.Trim(name, "0123456789") == "" {
		return name, ""
	}
	if len(accounts) == 0 {
		return "0", ""
	}
	for _, account := range accounts {
		found, ok := r.labelOf(account, name)
		switch {
		case !ok:
			return name, "names no label that is known of this account; open its contacts to read them anew, or write the label's number"
		case id != "" && id != found:
			return name, "names a label that has another number on each of these accounts; divide the row, one for each account"
		}
		id = found
	}
	return id, ""
}

func (r *rowReader) labelOf(account int64, name string) (id string, ok bool) {
	for _, same := range []func(moment.Label) bool{
		func(l moment.Label) bool { return l.Name == name },
		func(l moment.Label) bool { return fold(name) != "" && fold(l.Name) == fold(name) },
	} {
		if i := slices.IndexFunc(r.labels[account], same); i >= 0 {
			return r.labels[account][i].ID, true
		}
	}
	return "", false
}

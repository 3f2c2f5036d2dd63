package web

import (
	"slices"
	"strings"

	"momentcast/internal/moment"
)

// namedMost is how many labels and people a sentence names before it counts.
const namedMost = 3

// audience says in one sentence who sees a post; names are what is known of
// its labels and users, and may be nil.
func audience(c catalogue, v moment.Visibility, names []moment.Names) string {
	switch v.Mode {
	case moment.Everyone:
		return c.get("audience.everyone")
	case moment.Allow, moment.Deny:
		return c.get("audience."+string(v.Mode), audienceList(c, v, names))
	}
	return c.get("audience.none")
}

// audienceList is "labels A, B and 3 contacts".
func audienceList(c catalogue, v moment.Visibility, names []moment.Names) string {
	var parts []string
	switch n := len(v.Labels); {
	case n > namedMost:
		parts = append(parts, c.get("audience.labels.many", quoted(c, v.Labels[:namedMost], labelsOf(names)), n))
	case n > 0:
		parts = append(parts, c.get("audience.labels", quoted(c, v.Labels, labelsOf(names))))
	}
	users := usersOf(names)
	switch n := len(v.Users); {
	case n > 0 && n < namedMost && allKnown(v.Users, users):
		parts = append(parts, c.get("audience.users.named", quoted(c, v.Users, users)))
	case n == 1:
		parts = append(parts, c.get("audience.users.one"))
	case n > 1:
		parts = append(parts, c.get("audience.users", n))
	}
	return strings.Join(parts, c.get("audience.and"))
}

func allKnown(ids []string, names map[string]string) bool {
	return !slices.ContainsFunc(ids, func(id string) bool { return names[id] == "" })
}

// quoted lists ids by their names, those without one as they are.
func quoted(c catalogue, ids []string, names map[string]string) string {
	var out []string
	for _, id := range ids {
		name := names[id]
		if name == "" {
			name = id
		}
		out = append(out, c.get("audience.quoted", short(30, name)))
	}
	return strings.Join(out, c.get("audience.comma"))
}

// labelsOf and usersOf put together what the instances call the same id. A
// label that is not the same everywhere has all its names.
func labelsOf(names []moment.Names) map[string]string {
	return together(names, func(n *moment.Names) map[string]string { return n.Labels })
}

func usersOf(names []moment.Names) map[string]string {
	out := make(map[string]string)
	for i := range names {
		for id, name := range names[i].Users {
			if out[id] == "" {
				out[id] = name
			}
		}
	}
	return out
}

func together(names []moment.Names, of func(*moment.Names) map[string]string) map[string]string {
	all := make(map[string][]string)
	for i := range names {
		for id, name := range of(&names[i]) {
			if name != "" && !slices.Contains(all[id], name) && len(all[id]) < namedMost {
				all[id] = append(all[id], name)
			}
		}
	}
	out := make(map[string]string)
	for id, list := range all {
		out[id] = strings.Join(list, " / ")
	}
	return out
}

// gapsMost is how many instances are named that lack something.
const gapsMost = 5

// gaps says which of the chosen instances lack a label or a contact of v, and
// where a label's number means something else.
func gaps(c catalogue, v moment.Visibility, names []moment.Names) (out []string) {
	lacking := 0
	for i := range names {
		labels, users := names[i].Missing(v)
		if len(labels)+len(users) == 0 {
			continue
		}
		if lacking++; lacking > gapsMost {
			continue
		}
		who := nameOf(names[i].Name, names[i].WcID)
		if len(labels) > 0 {
			out = append(out, c.get("audience.gap.labels", who, quoted(c, labels[:min(len(labels), namedMost)], labelsOf(names))))
		}
		if len(users) > 0 {
			out = append(out, c.get("audience.gap.users", who, len(users), quoted(c, users[:min(len(users), namedMost)], usersOf(names))))
		}
	}
	if lacking > gapsMost {
		out = append(out, c.get("audience.gap.more", lacking-gapsMost))
	}
	for _, id := range v.Labels {
		if all := labelsOf(names)[id]; strings.Contains(all, " / ") {
			out = append(out, c.get("audience.gap.differs", id, all))
		}
	}
	return out
}

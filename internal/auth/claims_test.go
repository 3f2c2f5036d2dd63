package auth

import (
	"encoding/json"
	"slices"
	"testing"

	"momentcast/internal/moment"
)

// FuzzClaims: whatever a provider says of somebody, the name is one that may be
// stored or none at all, and roles come of groups that were configured.
func FuzzClaims(f *testing.F) {
	for _, s := range []string{`{"preferred_username":"lin","name":"林","groups":["editors"]}`, `{"email":"a@b.example","groups":"editors"}`, `{"sub":"x","groups":[1,null,["bosses"],"bosses "]}`,
		`{"preferred_username":"\u0000\u202ea<b>","name":{}}`, `{"preferred_username":["lin"],"email":"ü@é"}`, `{}`, `null`, `{"groups":["editors","editors","bosses"]}`} {
		f.Add([]byte(s))
	}
	o := &oidcClient{OIDC: OIDC{GroupsClaim: "groups", Roles: map[string][]moment.Role{"editors": {moment.RoleEditor}, "bosses": {moment.RoleAdmin, moment.RoleEditor}}}}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var claims map[string]any
		if json.Unmarshal(raw, &claims) != nil {
			return
		}
		who := o.person("https://idp.example 7", claims)
		u := moment.User{Name: who.name, Roles: []moment.Role{moment.RoleViewer}}
		if who.name != "" && u.Check() != nil {
			t.Errorf("the name %q: %v", who.name, u.Check())
		}
		if who.subject != "https://idp.example 7" {
			t.Errorf("another subject: %q", who.subject)
		}
		listed, _ := claims["groups"].([]any)
		boss, editor := slices.Contains(listed, any("bosses")), slices.Contains(listed, any("editors"))
		roles := o.rolesOf(who.groups)
		if slices.Contains(roles, moment.RoleAdmin) != boss || slices.Contains(roles, moment.RoleEditor) != (boss || editor) || len(roles) > 2 {
			t.Errorf("%v of %v", roles, listed)
		}
	})
}

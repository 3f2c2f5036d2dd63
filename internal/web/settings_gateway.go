package web

import (
	"net/http"
	"strings"

	"momentcast/internal/moment"
)

// gatewayPage shows how the service stands to the gateway, and who it is.
type gatewayPage struct {
	Frame
	Tabs       []tab
	URL        string
	Status     moment.Status
	Alive      bool
	PublicURL  string // "" = the gateway is told no address
	Callback   string // its secret is all that tells the gateway from anybody else: left out unless asked for
	ShowSecret string // address of this page with the secret; "" = it is shown, or there is none
}

// dots stand where something is not shown.
const dots = "••••••"

func (s *Web) gatewaySettings(w http.ResponseWriter, r *http.Request) error {
	k, err := s.known.get(r.Context())
	if err != nil {
		return err
	}
	p := &gatewayPage{Tabs: settingsTabs("gateway"), URL: s.gatewayURL, Status: k.status, Alive: alive(k.status.Replicas), PublicURL: s.publicURL}
	if s.publicURL != "" {
		secret := k.settings.CallbackSecret
		if r.URL.Query().Get("show") != "callback" {
			secret, p.ShowSecret = dots, "/settings/gateway?show=callback"
		}
		p.Callback = strings.TrimRight(s.publicURL, "/") + "/gateway/callback/" + secret
	}
	return s.page(w, r, view{Page: "gateway", Block: "gateway", Data: p})
}

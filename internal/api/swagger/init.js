// A file of its own: the page's policy forbids scripts inside the page.
window.ui = SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#docs",
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  validatorUrl: null, // would ask a server on the internet
  persistAuthorization: false,
});

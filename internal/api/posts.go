package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"momentcast/internal/moment"
)

func (a *API) registerPosts() {
	post := huma.Operation{Tags: []string{"posts"}}
	op := func(id, method, path, summary, description string, errs ...int) huma.Operation {
		o := post
		o.OperationID, o.Method, o.Path, o.Summary, o.Description, o.Errors = id, method, path, summary, description, errs
		return o
	}
	create := op("create-post", http.MethodPost, "/posts", "Create a post",
		"Queues one link card. With draft: true it is stored as it is and sent only after it was submitted.", http.StatusConflict, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
	create.DefaultStatus = http.StatusCreated
	create.RequestBody = example(examplePost)
	register(a, create, a.createPost)

	batch := op("create-posts", http.MethodPost, "/posts/batch", "Create up to 1000 posts",
		"All are stored, or none. Errors name the post: body.posts[3].url.", http.StatusConflict, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
	batch.DefaultStatus, batch.MaxBodyBytes = http.StatusCreated, maxBatch
	batch.RequestBody = example(map[string]any{"posts": []any{examplePost}})
	register(a, batch, a.createPosts)

	register(a, op("list-posts", http.MethodGet, "/posts", "List posts",
		"The queue and the history. Posts without a time (drafts) come first in descending order, last in ascending."), a.listPosts)
	register(a, op("get-post", http.MethodGet, "/posts/{id}", "Show a post",
		"With its calls of the gateway, its audit trail, and what WeChat stored."), a.getPost)
	register(a, op("edit-post", http.MethodPatch, "/posts/{id}", "Change a post",
		"Changes the fields that are given, while the post is a draft, pending or scheduled. A pending post stays pending; a scheduled one becomes pending where posts need approval and its content changes.",
		http.StatusConflict, http.StatusPreconditionFailed, http.StatusPreconditionRequired, http.StatusUnsupportedMediaType), a.editPost)
	register(a, op("delete-post", http.MethodDelete, "/posts/{id}", "Delete a draft",
		"Other posts are cancelled, not deleted. The audit trail stays.", http.StatusConflict, http.StatusPreconditionFailed), a.deletePost)
}

// PostInput names a post.
type PostInput struct {
	ID int64 `path:"id" doc:"The post's id." example:"4711"`
}

type postDetailOutput struct {
	ETag string `header:"ETag" doc:"The version; for If-Match."`
	Body postDetailBody
}

func (a *API) getPost(ctx context.Context, in *PostInput) (*postDetailOutput, error) {
	d, err := a.store.PostDetail(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &postDetailOutput{etag(d.Version), showDetail(d)}, nil
}

type editPostInput struct {
	PostInput
	IfMatch string `header:"If-Match" doc:"The ETag that you read; * for any. Required." example:"\"3\""`
	Body    editPostBody
}

func (a *API) editPost(ctx context.Context, in *editPostInput) (*postOutput, error) {
	v, err := needVersion(in.IfMatch)
	if err != nil {
		return nil, err
	}
	settings, err := a.store.Settings(ctx)
	if err != nil {
		return nil, err
	}
	if err := in.Body.findPreset(ctx, a); err != nil {
		return nil, err
	}
	err = a.store.EditPost(ctx, in.ID, v, func(p *moment.Post) error { return in.Body.apply(p, settings.MaxLateness) }, origin(ctx))
	if err != nil {
		return nil, err
	}
	a.engine.Wake()
	return a.showPost(ctx, in.ID)
}

type deletePostInput struct {
	PostInput
	IfMatchInput
}

// IfMatchInput is an If-Match that may be left out.
type IfMatchInput struct {
	IfMatch string `header:"If-Match" doc:"The ETag that you read: refuse if somebody has changed it since." example:"\"3\""`
}

func (a *API) deletePost(ctx context.Context, in *deletePostInput) (*struct{}, error) {
	v, err := version(in.IfMatch)
	if err != nil {
		return nil, err
	}
	return nil, a.store.DeletePost(ctx, in.ID, v, origin(ctx))
}

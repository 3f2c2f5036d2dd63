package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

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
		"Changes the fields that are given, while the post is a draft, pending or scheduled. A pending post stays pending.",
		http.StatusConflict, http.StatusPreconditionFailed, http.StatusPreconditionRequired, http.StatusUnsupportedMediaType), a.editPost)
	register(a, op("delete-post", http.MethodDelete, "/posts/{id}", "Delete a draft",
		"Other posts are cancelled, not deleted. The audit trail stays.", http.StatusConflict, http.StatusPreconditionFailed), a.deletePost)
}

// KeyInput names a creation, so that it can be repeated safely.
type KeyInput struct {
	Key string `header:"Idempotency-Key" doc:"Any text of your own, at most 200 printable ASCII characters. Kept for 7 days." example:"2f0c1d7e-order-1193"`
}

// request is the key together with whose it is and what it was used for.
func (in KeyInput) request(ctx context.Context) (moment.RequestKey, error) {
	if in.Key == "" {
		return moment.RequestKey{}, nil
	}
	if len(in.Key) > 200 || strings.ContainsFunc(in.Key, func(r rune) bool { return r < ' ' || r > '~' }) {
		return moment.RequestKey{}, invalid("header.Idempotency-Key", "must be at most 200 printable ASCII characters")
	}
	return moment.RequestKey{Actor: fmt.Sprintf("token:%d", callerOf(ctx).token.ID), Key: in.Key, Hash: hashBody(ctx)}, nil
}

type createPostInput struct {
	KeyInput
	Body newPostBody
}

type postOutput struct {
	ETag     string `header:"ETag" doc:"The version; for If-Match."`
	Location string `header:"Location"`
	Replayed string `header:"Idempotency-Replayed" doc:"true = an earlier request with this key was answered with this post."`
	Body     PostBody
}

func (a *API) createPost(ctx context.Context, in *createPostInput) (*postOutput, error) {
	ids, replayed, err := a.create(ctx, in.KeyInput, []newPostBody{in.Body})
	if err != nil {
		return nil, underPrefix(err, "posts[0].", "")
	}
	out, err := a.showPost(ctx, ids[0])
	if err != nil {
		return nil, err
	}
	out.Location = fmt.Sprintf("%s/posts/%d", prefix, ids[0])
	out.Replayed = replayedHeader(replayed)
	return out, nil
}

type createPostsInput struct {
	KeyInput
	Body postsBody
}

type createPostsOutput struct {
	Replayed string `header:"Idempotency-Replayed" doc:"true = an earlier request with this key was answered with these ids."`
	Body     idsBody
}

type idsBody struct {
	IDs []int64 `json:"ids" doc:"In the order of the posts."`
}

func (a *API) createPosts(ctx context.Context, in *createPostsInput) (*createPostsOutput, error) {
	ids, replayed, err := a.create(ctx, in.KeyInput, in.Body.Posts)
	if err != nil {
		return nil, err
	}
	return &createPostsOutput{replayedHeader(replayed), idsBody{ids}}, nil
}

func replayedHeader(replayed bool) string {
	if replayed {
		return "true"
	}
	return ""
}

// create stores the posts, which were checked by themselves. Its errors speak
// of posts[i].
func (a *API) create(ctx context.Context, in KeyInput, bodies []newPostBody) (ids []int64, replayed bool, err error) {
	key, err := in.request(ctx)
	if err != nil {
		return nil, false, err
	}
	if key.Key != "" {
		// Before anything else: what was right then may be out of date by now.
		if ids, err := a.store.Answered(ctx, key); err != nil || ids != nil {
			return ids, true, err
		}
	}
	posts, err := a.posts(ctx, bodies)
	if err != nil {
		return nil, false, err
	}
	if ids, replayed, err = a.store.CreatePosts(ctx, posts, key); err != nil {
		return nil, false, err
	}
	a.engine.Wake()
	return ids, replayed, nil
}

// posts completes the bodies to posts of known instances.
func (a *API) posts(ctx context.Context, bodies []newPostBody) ([]*moment.Post, error) {
	settings, err := a.store.Settings(ctx)
	if err != nil {
		return nil, err
	}
	find, err := a.finder(ctx, bodies)
	if err != nil {
		return nil, err
	}
	var fs fields
	by := origin(ctx)
	posts := make([]*moment.Post, len(bodies))
	for i := range bodies {
		b := &bodies[i]
		p, _ := b.post(settings.MaxLateness)
		p.Author, p.Source = by.Actor, by.Source
		if p.InstanceID = find(b); p.InstanceID == 0 {
			field := "instance_id"
			if b.WcID != "" {
				field = "wc_id"
			}
			fs.add(fmt.Sprintf("posts[%d].%s", i, field), "there is no such instance")
		}
		posts[i] = p
	}
	return posts, fs.err()
}

// finder looks all instances of the bodies up at once.
func (a *API) finder(ctx context.Context, bodies []newPostBody) (func(*newPostBody) int64, error) {
	var ids []int64
	var wcIDs []string
	for _, b := range bodies {
		if b.WcID != "" {
			wcIDs = append(wcIDs, b.WcID)
		} else {
			ids = append(ids, b.InstanceID)
		}
	}
	slices.Sort(ids)
	slices.Sort(wcIDs)
	refs, err := a.store.FindInstances(ctx, slices.Compact(ids), slices.Compact(wcIDs))
	if err != nil {
		return nil, err
	}
	byID, byWcID := make(map[int64]int64), make(map[string]int64)
	for _, r := range refs {
		byID[r.ID], byWcID[r.WcID] = r.ID, r.ID
	}
	return func(b *newPostBody) int64 {
		if b.WcID != "" {
			return byWcID[b.WcID]
		}
		return byID[b.InstanceID]
	}, nil
}

// underPrefix rewrites where an error's fields are.
func underPrefix(err error, old, now string) error {
	e, ok := errors.AsType[*moment.Error](err)
	if !ok || len(e.Fields) == 0 {
		return err
	}
	moved := *e
	moved.Fields = slices.Clone(e.Fields)
	for i := range moved.Fields {
		if rest, ok := strings.CutPrefix(moved.Fields[i].Path, old); ok {
			moved.Fields[i].Path = now + rest
		}
	}
	return &moved
}

func (a *API) showPost(ctx context.Context, id int64) (*postOutput, error) {
	v, err := a.store.Post(ctx, id)
	if err != nil {
		return nil, err
	}
	return &postOutput{ETag: etag(v.Version), Body: showPost(v)}, nil
}

type listPostsInput struct {
	PageInput
	State       []string `query:"state,explode" doc:"One or more of draft, pending, scheduled, sending, sent, failed, unknown, missed, cancelled; repeated or separated by commas." example:"[\"failed\",\"unknown\"]"`
	InstanceID  int64    `query:"instance_id" minimum:"1"`
	Author      string   `query:"author" doc:"Who created it; exactly."`
	Q           string   `query:"q" doc:"Part of the content, the title or the link."`
	ExternalKey string   `query:"external_key" doc:"Exactly."`
	DueFrom     string   `query:"due_from" doc:"Due at or after this time." example:"2026-12-01T00:00:00+08:00"`
	DueTo       string   `query:"due_to" doc:"Due before this time." example:"2026-12-02T00:00:00+08:00"`
	Order       string   `query:"order" enum:"due_asc,due_desc" default:"due_desc"`
}

// query reads the filters; list names the list that they make, for its cursors.
func (in *listPostsInput) query() (q moment.PostQuery, list string, err error) {
	var fs fields
	q = moment.PostQuery{
		InstanceID: in.InstanceID, Author: in.Author, Text: in.Q, ExternalKey: in.ExternalKey,
		DueFrom: fs.time("query.due_from", in.DueFrom), DueTo: fs.time("query.due_to", in.DueTo),
		Ascending: in.Order == "due_asc", Limit: in.Limit,
	}
	fs.text("query.author", in.Author, false, moment.MaxName)
	fs.text("query.q", in.Q, false, 200)
	fs.text("query.external_key", in.ExternalKey, false, moment.MaxKey)
	for _, s := range strings.Split(strings.Join(in.State, ","), ",") {
		if s == "" {
			continue
		}
		states, err := moment.ParseState(s)
		if err != nil {
			fs.add("query.state", err.Error())
			break
		}
		for _, st := range states {
			if !slices.Contains(q.States, st) {
				q.States = append(q.States, st)
			}
		}
	}
	slices.Sort(q.States)
	list = fmt.Sprintf("posts %q %d %q %q %q %d %d %t", q.States, q.InstanceID, q.Author, q.Text, q.ExternalKey,
		q.DueFrom.UnixNano(), q.DueTo.UnixNano(), q.Ascending)
	if err := fs.err(); err != nil {
		return q, list, err
	}
	p, err := in.place(list)
	q.After = p.post()
	return q, list, err
}

type listPostsOutput struct {
	Body pageBody[PostBody]
}

func (a *API) listPosts(ctx context.Context, in *listPostsInput) (*listPostsOutput, error) {
	q, name, err := in.query()
	if err != nil {
		return nil, err
	}
	views, more, err := a.store.Posts(ctx, q)
	if err != nil {
		return nil, err
	}
	out := &listPostsOutput{pageBody[PostBody]{Items: make([]PostBody, len(views))}}
	for i := range views {
		out.Body.Items[i] = showPost(&views[i])
	}
	if more {
		last := &views[len(views)-1]
		out.Body.NextCursor = place{at(last.DueAt), last.ID}.cursor(name)
	}
	return out, nil
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

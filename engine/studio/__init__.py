"""The studio: a page in the browser, and the HTTP API that it uses (docs/studio-api.md).

The server opens no picture and no model itself.  `work/` does that, in processes that the server starts,
tells in lines of JSON what to do, and can end at any moment; so no picture and no runtime can take it along.

`serving` starts it all; `app` puts it together from `routes/`, behind `safety`; `studio` has the shelf, the
queue and the workers; `shelf` is the folder that all is kept in; `schema` is what goes over the wire;
`page/` is the page, which knows nothing but the API.

This folder alone needs the extra `[web]`, and only `serving` and what it imports.
"""

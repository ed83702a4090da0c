"""The demo's pages. Wiring only: every number comes from `hgan.retrieval`, every drawing from `hgan.visualize`.
`hgan.demo.shell` puts the pages together; a page is a file with `build(context, shared)`."""

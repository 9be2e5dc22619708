"""Text to tree with spans and back: scanner, statement splitter, parser, formatter. The only user of lark."""

"""Values at stage boundaries: one file a format, a store by content, and the two verbs of stage notebooks."""

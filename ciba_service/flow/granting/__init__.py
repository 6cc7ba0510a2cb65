"""An approval becomes a grant and its tokens, once."""

"""Work that is left for later, callbacks first of all."""

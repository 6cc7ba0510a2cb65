"""The pictures of the pages in docs/images, taken of the real pages: ``make screenshots``.

``camera`` takes and shrinks them; each further module walks through one page.
"""

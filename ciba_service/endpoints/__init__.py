"""The doors: parse, call a step, answer.

``oauth`` are the endpoints of clients, ``device`` those of phones, ``health`` those of operators;
``body`` and ``answers`` read and write HTTP for all of them.
"""

"""The endpoints of phones: enrolment, socket, and the same messages over HTTPS."""

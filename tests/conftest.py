"""What all tests share: the record of proven clauses."""

pytest_plugins = ("pytester", "tools.clause_plugin")

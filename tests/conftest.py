"""What all tests share: the record of proven clauses."""

pytest_plugins = ("pytester", "tests.service_fixtures", "tools.clause_plugin")

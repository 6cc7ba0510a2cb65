"""Ways into the flow for servers that are not ours.

``portal`` lets synchronous code call the steps, and ``directories`` lets the steps call
synchronous code; ``authlib`` has a grant and endpoints for servers built with Authlib.
"""

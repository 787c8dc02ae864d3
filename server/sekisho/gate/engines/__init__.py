"""Policy engines behind one port: regorus in a child process, or an OPA server."""

"""The audit trail of a service: what is recorded of a call, and the durable place where it waits to be shipped."""

"""The use cases of API tokens and of requests that carry one."""

"""Mails and calendar feeds: what people are told, and how it reaches them."""

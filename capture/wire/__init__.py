"""What the first bytes of a conversation say: DNS, TLS server names, HTTP requests, mail envelopes."""

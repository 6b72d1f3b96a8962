"""What the first bytes of a conversation say: DNS questions and answers, TLS server names, HTTP requests."""

"""How the app answers many visitors: requests, sessions, the queue, uploads, errors."""

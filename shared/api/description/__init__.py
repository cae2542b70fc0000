"""What the API says about itself: `/openapi.json` and `/docs`. Read from the routes, the request bodies and
the tables that the operations work with; made when it is first asked for, so that no start pays for it."""

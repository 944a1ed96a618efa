"""What must be loaded before anything else: it tells gRPC to leave forks alone."""

import tidegate_server  # noqa: F401 - loading it is all

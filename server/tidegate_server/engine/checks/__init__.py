"""One small pure function a rule of the rulebook's section 4, in files by what they look at."""

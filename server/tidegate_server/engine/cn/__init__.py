"""The margin model `cn_margin`: margin financing and securities lending (rulebook 6.3)."""

"""Views: settled settings -> rows. All arithmetic and every decision end here; templates only ask "is it there"."""

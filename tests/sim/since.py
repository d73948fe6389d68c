"""Where each planted bug is soon caught: another seed after each change of the plan."""

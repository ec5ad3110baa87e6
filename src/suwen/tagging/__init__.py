"""Characters, ids and labels, and the way back; numpy only."""

"""What a process keeps in memory: follower blocks (workers), newest ids of pull authors (web)."""

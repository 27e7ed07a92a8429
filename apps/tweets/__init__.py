"""What was said: tweets, replies, retweets, quotes, likes."""

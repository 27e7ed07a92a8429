curl -s -u "$API_KEY:$API_SECRET" -d grant_type=client_credentials "$HOST/oauth2/token"

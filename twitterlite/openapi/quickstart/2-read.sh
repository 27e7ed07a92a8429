curl -s -H "Authorization: Bearer $APP_TOKEN" \
  "$HOST/2/users/by/username/$NAME?user.fields=created_at,public_metrics"

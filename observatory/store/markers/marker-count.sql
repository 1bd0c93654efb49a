SELECT count(*)::INTEGER AS markers
FROM markers

-- Fans who have another region since a moment, by where from and where to.
SELECT older.region AS region_before, newer.region, COUNT(*) AS fans
FROM gold.fan_history AS newer
JOIN gold.fan_history AS older
  ON older.fan_token = newer.fan_token AND older.valid_to = newer.valid_from
WHERE newer.valid_from >= ? AND newer.region <> older.region
GROUP BY older.region, newer.region
ORDER BY fans DESC NULLS LAST, region_before, newer.region
